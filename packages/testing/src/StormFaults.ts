/**
 * What can go wrong between two computers and a telephone, as data: each kind of fault and how often it strikes.
 *
 * @since 0.1.0
 */

/**
 * The kinds of faults, each with what it does and how often it strikes where nothing else is said: the chance at each
 * opportunity, in a run in which the kind is abroad at all, which is every second one.
 */
const catalogue = {
  /** A webhook comes twice at the same time. */
  webhookCopied: 0.3,
  /** A webhook comes again up to half a minute later. */
  webhookCopiedLate: 0.2,
  /** A webhook comes again minutes later, mostly after the end of the call. */
  webhookCopiedAfterEnd: 0.2,
  /** A webhook takes up to 3 s, so that a later one overtakes it. */
  webhookOvertaken: 0.3,
  /** A webhook takes up to a minute. */
  webhookDelayed: 0.1,
  /** A webhook never comes. */
  webhookLost: 0.06,
  /** A reply breaks, and the engine is told so. */
  replyBroken: 0.15,
  /** A reply does not arrive though it looks delivered. */
  replyLost: 0.1,
  /** A reply does not arrive, and the engine is told nothing. */
  replyUntold: 0.1,
  /** A webhook without a reply is asked again, up to three times. Strikes a run as a whole. */
  carrierAsksAgain: 0.7,
  /** The 202 takes up to 8 s, so that events come before it. */
  postSlow: 0.4,
  /** The `POST` has no response and did nothing. */
  postLost: 0.15,
  /** The `POST` has no response, though the phone rings. */
  postUnconfirmed: 0.2,
  /** The answer to the `POST` is a 500; in every second case the phone rings all the same. */
  postFailed: 0.15,
  /** The answer to the `POST` is no JSON; in every second case the phone rings all the same. */
  postUnreadable: 0.1,
  /** The answer to the `POST` is a 429, in every second case with a wish when to come back. */
  postThrottled: 0.25,
  /** The carrier takes up to two dials and answers 429 to all others, for up to three minutes. */
  carrierThrottles: 0.05,
  /** The carrier accepts the credentials of nobody for up to two hours, and answers 401. */
  accountLocked: 0.02,
  /** No connection for the `POST`: in every second case the transport says that others will find none either. */
  postNotSent: 0.25,
  /** The carrier refuses the dial, for good. */
  postRefused: 0.1,
  /** The carrier carries out one `POST` twice. */
  postTwice: 0.2,
  /** An operation of the store takes up to 1.5 s. */
  storeSlow: 0.15,
  /** An operation of the store takes up to 15 s. */
  storeStuck: 0.03,
  /** An operation of the store fails, and nothing is stored. */
  storeFails: 0.08,
  /** An append fails after it has been stored. */
  storeFailsAfter: 0.08,
  /** The disk below the store is full: it takes no appends for up to five minutes. Strikes a run once. */
  storeFull: 0.02,
  /** The store refuses a turn for good, for what is in it, and takes the others of its commit. Strikes a run up to twice. */
  storeRefuses: 0.01,
  /** An append is told that somebody else was first. In memory only: on PostgreSQL a second process makes real ones. */
  storeConflicts: 0.1,
  /** The engine has room for one to three webhooks that wait for its store, and refuses more. Strikes a run as a whole. */
  crowded: 0.3,
  /** All dials go at a pace of one in some seconds or minutes, and wait for minutes at most or for long. Strikes a run as a whole. */
  paceStarved: 0.3,
  /** A few lines at most may ring or talk at a time. Strikes a run as a whole. */
  linesFew: 0.3,
  /** The process is killed between two steps, up to three times, and started again after up to ten minutes. */
  crash: 0.9,
  /** The process is told to end, its engine closes in order, and it is started again after up to ten minutes, up to twice. */
  shutdown: 0.6,
  /** The process stands still at a step for up to a minute. */
  freeze: 0.6,
  /** The process stands still, another one takes over, and then the first goes on. */
  takeover: 0.5,
  /** The computer sleeps for up to half an hour, and its monotonic clock does not count that. */
  suspend: 0.4,
  /** The wall clock of the computer jumps forward by up to an hour. */
  clockForward: 0.4,
  /** The wall clock of the computer jumps forward by some minutes while somebody is spoken to. Strikes a run once. */
  clockForwardInTalk: 0.1,
  /** The wall clock of the computer jumps back by up to an hour. */
  clockBack: 0.4,
  /** A second process works on the same calls from some step on, with a clock of its own. On PostgreSQL only. */
  secondProcess: 0.8,
  /** A process cannot be seen to live by the others for up to half a minute. On PostgreSQL only. */
  connectionLost: 0.05,
  /**
   * A process does not reach its store for up to a minute, while others do, up to twice: what it sends arrives late, or the answer does.
   * On PostgreSQL only.
   */
  storeUnreached: 0.5,
  /**
   * A process, of those after the first, has not registered the version of the flow that the first one started calls with,
   * but another one, as in a rolling deployment. Strikes a run up to three times. On PostgreSQL only.
   */
  versionUnknown: 0.3,
  /**
   * The processes are a cluster: each call has an owner, as each of them believes, which is asked. Strikes a run as a whole. On
   * PostgreSQL only, and so what may befall it.
   */
  clustered: 0.7,
  /** A process believes for up to ten minutes in the owners of now, whoever lives then. */
  ownersStale: 0.5,
  /** A process believes for up to ten minutes that it alone owns everything, or that it owns nothing, or that nobody owns anything. */
  ownersWrong: 0.5,
  /** What is asked of an owner never comes. */
  askingLost: 0.25,
  /** What is asked of an owner takes up to a minute. */
  askingLate: 0.3,
  /** What is asked of an owner comes twice. */
  askingDoubled: 0.3,
  /** An owner does what it is asked, and its answer never comes. */
  answerLost: 0.25,
  /** The application cancels the call. */
  cancel: 0.25,
  /** The application cancels again what it has cancelled, up to twice, while the finalizers of the flow run. */
  cancelAgain: 0.7,
  /** The flow throws at one of its places. Strikes a call as a whole, and only flows that have such places. */
  flowThrows: 0.4,
  /** Somebody who is not the carrier posts webhooks: calls that come in under the session of a live line, and guessed ids. */
  sessionForeign: 0.5,
  /** Somebody who is not the carrier posts webhooks whose ids have some thousand characters. */
  sessionOversized: 0.3,
  /**
   * Strangers call in by the dozen, and the engine has room for one or two callers. Strikes a run as a whole, unless its own flow
   * answers calls.
   */
  callersMany: 0.2,
  /**
   * Somebody prunes, up to five times, by any process: calls that ended by about now, or all but a few. What has gone is started
   * again under its key, and captured webhooks of it are posted again. Strikes a run as a whole.
   */
  prune: 0.9,
  /** Somebody reads the log of all turns as it grows, and begins anew where they were. Strikes a run as a whole. */
  logFollowed: 0.7
} as const

/**
 * A kind of fault.
 *
 * @since 0.1.0
 */
export type Kind = keyof typeof catalogue

/**
 * How often each kind strikes: its chance at each opportunity, from 0 to 1. A kind that is 0 never does.
 *
 * @since 0.1.0
 */
export type StormFaults = { readonly [K in Kind]: number }

/**
 * All kinds of faults.
 *
 * @since 0.1.0
 */
export const kinds = Object.keys(catalogue) as ReadonlyArray<Kind>

/**
 * Everything goes wrong, each kind as often as a bad day has it.
 *
 * @since 0.1.0
 */
export const all: StormFaults = catalogue

/**
 * Nothing goes wrong.
 *
 * @since 0.1.0
 */
export const none: StormFaults = Object.fromEntries(kinds.map((kind) => [kind, 0])) as { [K in Kind]: number }

/**
 * Only these kinds, as often as in `all`.
 *
 * @since 0.1.0
 */
export const only = (...wanted: ReadonlyArray<Kind>): StormFaults => ({
  ...none,
  ...Object.fromEntries(wanted.map((kind) => [kind, all[kind]]))
})

/**
 * The same faults without these kinds.
 *
 * @since 0.1.0
 */
export const without = (self: StormFaults, ...unwanted: ReadonlyArray<Kind>): StormFaults => ({
  ...self,
  ...Object.fromEntries(unwanted.map((kind) => [kind, 0]))
})
