import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/max";
import type { IsPhone } from "../core/guardrail/pii.ts";

/** Numbers that really can be called; without a country code they are read as the given country's. */
export function phonesOf(country: string): IsPhone {
  const home: CountryCode | undefined = isSupportedCountry(country) ? country : undefined;
  return (number) => parsePhoneNumberFromString(number, home)?.isValid() ?? false;
}

export { isSupportedCountry };
