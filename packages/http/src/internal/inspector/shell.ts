/** The document that the page lives in, and what a browser is told about it. */
import { FlowDrawing } from "@ringback/core"
import { Effect } from "effect"
import { Base64 } from "effect/encoding"
import * as Page from "./page.ts"

const { script } = Page

/** The looks of the page, and of the drawings that core makes. */
const style = Page.style + FlowDrawing.css

const icon = "data:image/svg+xml," +
  encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3346c8"/>` +
      `<path d="M9 6v20M23 6v20" stroke="#fff" stroke-width="2.4"/><path d="M9 12h14M9 20h14" stroke="#fff" stroke-width="2"/></svg>`
  )

/** The page. The path at which it is opened has so many parts behind that at which it is mounted. */
export const html = (behind: number): string =>
  `<!doctype html>
<html lang="en" data-behind="${behind}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Calls · Ringback</title>
<link rel="icon" href="${icon}">
<style>${style}</style>
</head>
<body>
<div id="root"></div>
<noscript>This page needs JavaScript, which it brings along.</noscript>
<script>${script}</script>
</body>
</html>
`

/** The hash by which a policy allows a text that stands in a page. */
const hashOf = (text: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (bytes) => `'sha256-${Base64.encode(new Uint8Array(bytes))}'`
  )

/**
 * Nothing but the page's own script and style, and requests to its own server. Nobody may frame it, so nobody can make somebody
 * click into it unseen; and no text becomes markup.
 */
export const headers: Effect.Effect<Readonly<Record<string, string>>> = Effect.map(
  Effect.all([hashOf(script), hashOf(style)]),
  ([ofScript, ofStyle]) => ({
    "content-security-policy": [
      "default-src 'none'",
      `script-src ${ofScript}`,
      `style-src ${ofStyle}`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types drawing"
    ].join("; "),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin"
  })
)
