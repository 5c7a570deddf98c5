/** The document in which the phone lives, and what a browser is told about it. */
import { Ladder } from "@ringback/core"
import { Effect } from "effect"
import { Base64 } from "effect/encoding"
import { HttpServerResponse } from "effect/http"
import * as Page from "./page.ts"

const style = Page.style + Ladder.css

const icon = "data:image/svg+xml," +
  encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3346c8"/>` +
      `<path d="M11 7l3 5-2 2c1 3 3 5 6 6l2-2 5 3c0 3-2 4-4 4C13 25 7 17 7 11c0-2 1-4 4-4z" fill="#fff"/></svg>`
  )

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>A phone · Ringback</title>
<link rel="icon" href="${icon}">
<style>${style}</style>
</head>
<body>
<div id="root"></div>
<noscript>This page needs JavaScript, which it brings along.</noscript>
<script>${Page.script}</script>
</body>
</html>
`

const hashOf = (text: string) =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (bytes) => `'sha256-${Base64.encode(new Uint8Array(bytes))}'`
  )

/** Nothing but the page's own script and style, and requests to its own server; no text becomes markup but a ladder. */
const policy = Effect.map(Effect.all([hashOf(Page.script), hashOf(style)]), ([ofScript, ofStyle]) =>
  [
    "default-src 'none'",
    `script-src ${ofScript}`,
    `style-src ${ofStyle}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types ladder"
  ].join("; "))

/** The page. */
export const response = Effect.map(policy, (policy) =>
  HttpServerResponse.text(html, {
    contentType: "text/html; charset=utf-8",
    headers: {
      "content-security-policy": policy,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-opener-policy": "same-origin"
    }
  }))
