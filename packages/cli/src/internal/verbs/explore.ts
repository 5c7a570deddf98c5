/** `ringback explore`: every path of a flow. */
import { Commands } from "@ringback/testing"

/** The verb. */
export const command = Commands.explore
