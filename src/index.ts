/** The public list: what `import … from 'narrowcast'` offers. */
export { type ConnectOptions, connect } from './connect.ts'
export type * from './core/channel.ts'
export type * from './core/clock.ts'
export type * from './core/codec.ts'
export type * from './core/contract.ts'
export type * from './core/driver.ts'
export type { ErrorCode, ErrorDetails } from './core/errors.ts'
export { errorCodes, NarrowcastError } from './core/errors.ts'
export type * from './core/message.ts'
export type { BrokerUrl } from './core/url.ts'
export type { Verdict } from './core/verdict.ts'
export { dead, retry } from './core/verdict.ts'
export type * from './runtime/api.ts'
export type { ChannelConfig, Config } from './runtime/config.ts'
export type { ChannelFacts, HandlerRun, Middleware } from './runtime/handlerRun.ts'
export type { Health, Refusal, SubscriptionHealth } from './runtime/health.ts'
export { httpProbe } from './runtime/httpProbe.ts'
export type * from './runtime/live/relayApi.ts'
export type { TracingOptions } from './runtime/middleware/openTelemetry.ts'
export {
  type PlannedLetter,
  type PlannedRedrive,
  planRedrive,
  type RedrivePlan,
  type RedriveWish,
} from './runtime/redrive/plan.ts'
export {
  type RedriveEnd,
  type RedriveOptions,
  type RedriveProgress,
  type RedriveTrouble,
  runRedrive,
} from './runtime/redrive/run.ts'
export type { Strategy } from './runtime/strategies/strategies.ts'
export type * from './runtime/telemetry/frame.ts'
export type * from './runtime/telemetry/histogram.ts'
export { type ChannelReading, prometheusText } from './runtime/telemetry/prometheus.ts'
export type { PublisherView, TelemetryView, WorkerView } from './runtime/telemetry/view.ts'
