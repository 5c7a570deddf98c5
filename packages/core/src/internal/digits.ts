/** The digits that ids are made of. */

/** Digits of base 32 without `i l o u`, so that an id can be read aloud. */
export const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

/** A number in `length` digits; it has to fit. */
export const digits = (value: number, length: number): string => {
  let text = ""
  for (let rest = value, i = 0; i < length; i++, rest = Math.floor(rest / 32)) text = alphabet[rest % 32] + text
  return text
}

/** The number that digits stand for. */
export const numberOf = (digits: string): number =>
  Array.from(digits).reduce((number, digit) => number * 32 + alphabet.indexOf(digit), 0)

/** 8 digits (40 bits) from as many bytes. */
export const chanceFrom = (bytes: Uint8Array): string => Array.from(bytes, (byte) => alphabet[byte & 31]).join("")

/** The chance of one attempt among those of a decision: each has its own. */
export const chanceOf = (chance: string, line: number): string => digits((numberOf(chance) + line) % 2 ** 40, 8)
