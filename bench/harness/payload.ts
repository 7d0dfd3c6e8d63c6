/** About 1 KB of JSON, as a caller would send it: nested, with text of some length. */
export function payload(extra: object = {}) {
  return {
    event: "order.shipped",
    customer: { id: "cus_8412", name: "Ada Byron", email: "ada@shop.example", locale: "en-GB" },
    lines: Array.from({ length: 6 }, (_, index) => ({
      sku: `SKU-${1000 + index}`,
      title: "Merino jumper, forest green, medium",
      quantity: index + 1,
      price_cents: 4999 + index,
    })),
    note: "Left with the neighbour at number 12, who signed for it; please do not call before noon.",
    ...extra,
  };
}
