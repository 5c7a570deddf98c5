/** Text inside HTML and SVG. */

const entities: Record<string, string> = { "\"": "&quot;", "&": "&amp;", "'": "&#39;", "<": "&lt;", ">": "&gt;" }

/** Text as markup shows it, between tags and in attributes, without what no document may hold. */
export const escaped = (text: string): string =>
  text.replaceAll(/["&'<>]/g, (character) => entities[character]!).replaceAll(
    /(?![\t\n\r])\p{Cc}|[\p{Cs}\ufffe\uffff]/gu,
    " "
  )
