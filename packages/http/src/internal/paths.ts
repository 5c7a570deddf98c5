/** Paths under which an application mounts routes. */

/** A path without slashes at its end: nothing for the root. */
export const unslashed = (path: string): `/${string}` | "" => path.replace(/\/+$/, "") as `/${string}` | ""
