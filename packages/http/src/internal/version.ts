/** The version of these packages, as their manifests have it. */
export const version = "0.1.0"
