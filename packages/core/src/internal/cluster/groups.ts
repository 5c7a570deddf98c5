/**
 * Calls lie in groups. A call lies in one of so many, and each group has one owner: an owner a call would fill the memory of a machine
 * with a million of them.
 */
import { Hash } from "effect"
import type { CallId } from "../../CallEvent.ts"

/** So many groups of calls there are. It is a part of what machines have agreed on: of two numbers each has its own owners. */
export const groups = 1024

/** The group of a call, by the name of its entity. */
export const groupOf = (id: CallId): string => `g${Math.abs(Hash.string(id)) % groups}`
