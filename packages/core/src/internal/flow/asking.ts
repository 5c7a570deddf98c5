/** What a flow may ask. */
import * as Action from "../../Action.ts"
import type * as Request from "../../Request.ts"
import * as bounds from "../bounds.ts"

/** Every request passes here, whoever makes it, so that nothing is recorded which cannot be read back. */
export const checked = (request: Request.Request): Request.Request => {
  switch (request._tag) {
    case "Sleep":
      bounds.wait("Flow.sleep", request.millis)
      return request
    case "SetDeadline":
      bounds.wait("Flow.timeout", request.millis)
      return request
    case "Activity":
      bounds.name("Flow.activity", request.name)
      bounds.within(`Flow.activity "${request.name}"`, request.withinMillis)
      return request
    case "Signal":
      bounds.name("Flow.signal", request.name)
      bounds.wait(`Flow.signal "${request.name}"`, request.withinMillis)
      return request
    case "Note":
      bounds.name("Flow.note", request.name)
      return { ...request, data: bounds.data(`Flow.note "${request.name}"`, request.data) }
    case "Dial": {
      bounds.ring("Flow.dial", request.ringForMillis)
      const { evenIfUnknown: _, ringForMillis: __, ...dialled } = request
      const { _tag, ...copied } = Action.dial(dialled)
      return { ...request, ...copied }
    }
    case "Prompt":
    case "Bridge":
      return { ...request, action: Action.checked(request.action) } as Request.Request
    case "Answer":
    case "Leave":
    case "LiftDeadline":
    case "Now":
    case "Random":
      return request
  }
}
