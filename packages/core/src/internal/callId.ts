/** What can be the id of a call. */
import { Schema } from "effect"
import { CallId } from "../CallEvent.ts"

/** Whether something can be one. What an application has from elsewhere may be anything. */
export const isCallId: (id: unknown) => id is CallId = Schema.is(CallId)
