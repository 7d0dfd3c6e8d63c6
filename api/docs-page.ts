// The reference as one page, made from the contract.

import { contract, listOperations, type NamedOperation, type OperationTree } from "@rotorsh/contract";
import { html } from "hono/html";
import { errorChapter } from "./docs-errors.ts";
import { chapters, guide } from "./docs-guide.ts";
import { anchorOf, methodBadge, operationSection } from "./docs-operation.ts";
import { type Html, titleOf } from "./docs-text.ts";

export function docsPage(version: string, tree: OperationTree = contract): Html {
  const nouns = Object.keys(tree).map((noun) => ({
    noun,
    operations: listOperations(tree).filter((named) => named.noun === noun),
  }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Rotor API reference</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="docs/style.css">
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<a class="brand" href="#start">${logo()} Rotor</a>
<span class="aside">API reference, ${version}</span>
<nav aria-label="Elsewhere"><a href="doc">OpenAPI</a></nav>
</header>
<nav class="contents" aria-label="Contents">
${chapters.map(({ id, title }) => html`<a class="top" href="#${id}">${title}</a>`)}
${nouns.map(nounLinks)}
<a class="top of-noun" href="#errors">Errors</a>
</nav>
<main id="content">
<h1>API reference</h1>
${guide()}
${nouns.map(nounSection)}
${errorChapter()}
</main>
</body>
</html>
`;
}

type Noun = { noun: string; operations: NamedOperation[] };

function nounLinks({ noun, operations }: Noun): Html {
  return html`<a class="top of-noun" href="#${noun}">${titleOf(noun)}</a>
<ul>${operations.map((named) => html`<li>${operationLink(named)}</li>`)}</ul>`;
}

function operationLink(named: NamedOperation): Html {
  return html`<a href="#${anchorOf(named)}">${titleOf(named.verb)}${methodBadge(named.operation)}</a>`;
}

function nounSection({ noun, operations }: Noun): Html {
  return html`<section class="noun" id="${noun}">
<h2><a class="anchor" href="#${noun}">${titleOf(noun)}</a></h2>
${operations.map(operationSection)}
</section>`;
}

/** Three blades around a hub. */
const blades = [0, 120, 240];

function logo(): Html {
  const paths = blades.map(
    (angle) => html`<path transform="rotate(${angle} 12 12)" d="M12 12C9 8 9 4 12 1c3 1 5 5 0 11z"/>`,
  );
  return html`<svg viewBox="0 0 24 24" width="22" height="22" fill="currentColor" aria-hidden="true">${paths}</svg>`;
}

const icon = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="#0d7d74">${blades
    .map((angle) => `<path transform="rotate(${angle} 12 12)" d="M12 12C9 8 9 4 12 1c3 1 5 5 0 11z"/>`)
    .join("")}</svg>`,
)}`;
