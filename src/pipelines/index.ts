export {
  definePipeline,
  type LoadContext,
  type Match,
  type MessageFacts,
  type Pipeline,
  type PipelineOptions,
  type RowOf,
  type TransformContext,
} from './definePipeline.ts'
export { defineTable, type Table, type TableOptions } from './defineTable.ts'
export type { EncodedFile, Encoder, Row, TableSchema } from './encoders/encoder.ts'
export { type NdjsonOptions, ndjson } from './encoders/ndjson.ts'
export { type ParquetOptions, parquet } from './encoders/parquet.ts'
export { type LakeOptions, lake } from './lake/lake.ts'
export { type Verified, verify } from './lake/verify.ts'
export { messagesPipeline } from './messagesPipeline.ts'
export { type PerKeyOptions, perKey } from './perKey/perKey.ts'
export type { Ended, PipelineEvents } from './runEvents.ts'
export { type PipelineRun, type RunOptions, runPipeline } from './runPipeline.ts'
export type { RunStats } from './runStats.ts'
export type { Answer, Landed, LandedFile, Refusal, Sink, Step, StepInfo } from './sink.ts'
