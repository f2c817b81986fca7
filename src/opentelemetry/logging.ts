/** Lines for a log, as pino takes them: an object, then a message. Values of data are never among them. */
import type { Telemetry } from '../index.ts'
import { errorType, failedBuilder, statusOf } from './names.ts'

/** What is used of pino, or of any logger of its kind. */
export interface Logger {
  /** What is of use to whoever looks closely: each try of a builder. */
  debug(facts: object, message: string): void
  /** What happens in the ordinary course: scopes that end. */
  info(facts: object, message: string): void
  /** What somebody should look at: failures. */
  warn(facts: object, message: string): void
}

const WITHHELD = 'withheld, since the builder has to do with sensitive data'

/**
 * Logs what runs: how each scope ended (`info`, or `warn` where it failed), each try of a builder (`debug`) and each that failed
 * (`warn`). Give it to `new Polaris({ telemetry })`, or as `logger` to `openTelemetry`.
 *
 * @param traced further facts for each line, such as the ids of the span that is active
 */
export function logTelemetry(logger: Logger, traced: () => object = () => ({})): Telemetry {
  return {
    scope({ workflow, version, id, scope, mode }) {
      const facts = { workflow, version, id, scope }
      const started = performance.now()
      return {
        builder({ builder, pass, attempt, sensitive }, run) {
          const own = { ...facts, builder: builder.name, pass, attempt, ...traced() }
          const began = performance.now()
          run()
          return {
            ended({ outcome, code, error }) {
              const ms = performance.now() - began
              if (outcome !== 'failed') return logger.debug({ ...own, outcome, ms }, 'builder ended')
              const type = errorType({ ...(code !== undefined && { code }), error })
              const err = sensitive ? { type, message: WITHHELD } : error
              logger.warn({ ...own, outcome, ms, err }, 'builder failed')
            },
          }
        },
        ended(ended) {
          const { error, waitingFor } = ended
          const ms = performance.now() - started
          const all = { ...facts, mode, status: statusOf(ended), waitingFor, ms, ...traced() }
          if (error === undefined) return logger.info(all, 'scope ended')
          const builder = failedBuilder(error)
          logger.warn({ ...all, ...(builder !== undefined && { builder }), code: errorType({ error }) }, 'scope failed')
        },
      }
    },
  }
}
