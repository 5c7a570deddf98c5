/** `ringback emulator`: a Telesign on this machine. */
import { Commands } from "@ringback/testing"

/** The verb. */
export const command = Commands.emulator
