/**
 * Ringback over Telesign Voice: the wire format, its authentication, the transport, and the routes for webhooks.
 *
 * @since 0.1.0
 */
export * as CallsApi from "./CallsApi.ts"
export * as CallsApiClient from "./CallsApiClient.ts"
export * as CallsApiProblem from "./CallsApiProblem.ts"
export * as CallsApiServer from "./CallsApiServer.ts"
export * as Health from "./Health.ts"
export * as Inspector from "./Inspector.ts"
export * as Telesign from "./Telesign.ts"
export * as TelesignAuth from "./TelesignAuth.ts"
export * as TelesignMetrics from "./TelesignMetrics.ts"
export * as TelesignNode from "./TelesignNode.ts"
export * as TelesignWebhook from "./TelesignWebhook.ts"
export * as TelesignWire from "./TelesignWire.ts"
