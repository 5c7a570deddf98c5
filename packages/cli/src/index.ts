/**
 * Ringback in a terminal.
 *
 * @since 0.1.0
 */
export * as Cli from "./Cli.ts"
