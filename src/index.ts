/**
 * Data, builders, workflows, and {@link Polaris}, which runs them on a store.
 *
 * @module polaris-workflow
 */
export { builder, service } from './graph/builder.ts'
export type { AnyBuilder, BuildContext, Builder, BuilderDefinition, Service } from './graph/builder.ts'
export { data, type } from './graph/data.ts'
export type { AboutData, AnyData, Data, DataOptions, Datum, Regarding, ValueOf } from './graph/data.ts'
export { durationMs } from './graph/duration.ts'
export type { Duration } from './graph/duration.ts'
export { DataError, GraphError, isPolarisError, PolarisError, VersionError } from './graph/errors.ts'
export { checkOption, checkOptions } from './graph/naming.ts'
export type { ErrorCode, Issue } from './graph/errors.ts'
export type { BuilderDescription, DataDescription } from './graph/description.ts'
export type { Frozen } from './graph/frozen.ts'
export type { Durability, OnFailure } from './graph/graph.ts'
export type { Manifest } from './graph/manifest.ts'
export type { Policy } from './graph/migration.ts'
export { nothing, waitFor } from './graph/outcome.ts'
export type { Nothing, WaitFor } from './graph/outcome.ts'
export type { EdgeKind } from './graph/edges.ts'
export type { Plan, PlanBuilder, PlanData, PlanEdge, PlanJson, PlanTimer } from './graph/plan.ts'
export type { Missed, Schedule, Tick } from './graph/schedule.ts'
export { step } from './graph/steps.ts'
export type { Step } from './graph/steps.ts'
export { timer } from './graph/timer.ts'
export type { AnyTimer, Elapsed, Moment, Timer, TimerDefinition, TimerTimes } from './graph/timer.ts'
export { NonRetryableError } from './graph/retry.ts'
export type { Backoff, Retry, RetryPolicy } from './graph/retry.ts'
export { settled } from './graph/settled.ts'
export type { Failed, Settled, SettledData } from './graph/settled.ts'
export { workflow } from './graph/workflow.ts'
export type { AnyWorkflow, Retention, Workflow, WorkflowDefinition } from './graph/workflow.ts'

export type { Stranding } from './engine/versions/carry.ts'
export { BuilderError } from './engine/scope/builder-error.ts'
export type { VersionCount } from './engine/versions/census.ts'
export type {
  CheckOptions,
  CheckProgress,
  CheckReport,
  VersionReport,
  WorkflowReport,
} from './engine/versions/check.ts'
export { compareWorkflows } from './engine/versions/compare.ts'
export type { WorkflowDifference } from './engine/versions/compare.ts'
export { checkManifest, manifest } from './engine/versions/check-manifest.ts'
export type { ManifestFile, ManifestReport, ManifestVersionReport } from './engine/versions/check-manifest.ts'
export type { Clock } from './engine/clock.ts'
export type { CallOptions, DeltaOf, Executor, ExecutorOptions } from './engine/executor.ts'
export type {
  BuilderEnded,
  BuilderStarted,
  BuilderTelemetry,
  ScopeBegun,
  ScopeEnded,
  ScopeTelemetry,
  Telemetry,
} from './engine/scope/telemetry.ts'
export type { HookInfo, Hooks } from './engine/scope/hooks.ts'
export type {
  BuilderExplanation,
  Compensation,
  Explanation,
  HistoryEntry,
  InstanceSummary,
  InstanceView,
  Lack,
  PendingRetry,
  TargetExplanation,
} from './engine/look/views.ts'
export type { Counts } from './engine/look/counts.ts'
export type { FoundInstance, SearchPage, SearchTerms } from './engine/look/search.ts'
export type { Foresight, Intent } from './engine/look/foresee.ts'
export type { DatumDifference, InstanceDifference } from './engine/look/past.ts'
export type { PendingTimer, TimerExplanation } from './engine/look/inspect-timers.ts'
export type { Submitted } from './engine/instances/call.ts'
export type { ForkOptions } from './engine/instances/fork.ts'
export type { CancelOptions } from './engine/instances/operation.ts'
export { Polaris } from './engine/polaris.ts'
export type { ImpossibleMove, PossibleMove, Preview } from './engine/versions/preview.ts'
export type { PolarisOptions } from './engine/options.ts'
export type { InstanceQuery } from './engine/look/query.ts'
export type { Completed, Open, Result, ResultOf } from './engine/scope/result.ts'
export type { InstanceChange, WatchOptions } from './engine/look/watch.ts'
export type { ScheduleView } from './engine/schedules/schedules.ts'
export type { Shadow, ShadowDifference } from './engine/versions/shadow.ts'
export type { StrandedGroup, StrandedReason } from './engine/versions/stranding-groups.ts'
export type { WaitingMail } from './engine/versions/waiting-mail.ts'
export type { UpgradeOptions, UpgradeQuery, UpgradeReport } from './engine/versions/upgrades.ts'
export type { ShadowQuery } from './engine/upkeep.ts'
export type { Worker, WorkerOptions } from './engine/mail/worker.ts'

export type {
  Append,
  Appended,
  Awaitable,
  Change,
  ClaimQuery,
  DataStore,
  Expected,
  FindQuery,
  Handled,
  Header,
  HistoryQuery,
  InstanceStatus,
  ListQuery,
  Mail,
  MetaQuery,
  MetaRecord,
  MetaWritten,
  Mode,
  Move,
  Origin,
  Page,
  Removal,
  Row,
  RowNote,
  RowOutcome,
  Snapshot,
  StoreCapabilities,
  Tally,
  Written,
} from './stores/contract.ts'
