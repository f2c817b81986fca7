import type { BuilderTelemetry, ScopeTelemetry, Telemetry } from '../index.ts'

/** Several as one. The first is the outermost: the context of a builder is that of all of them. */
export function together(all: readonly Telemetry[]): Telemetry {
  return {
    carry: (meta) => all.reduce((carried, { carry }) => carry?.(carried) ?? carried, meta),
    store: (store) => all.reduce((watched, { store: watch }) => watch?.(watched) ?? watched, store),
    scope(begun) {
      const scopes = all.flatMap(({ scope }) => scope?.(begun) ?? [])
      return {
        builder: (started, run) =>
          nested(scopes, (each, inner) => each.builder?.(started, inner) ?? skip(each, inner), run),
        ended: (ended) => scopes.forEach((each) => each.ended?.(ended)),
      }
    },
  }
}

/** One that is not told of builders leaves them to the next. */
function skip({ builder }: ScopeTelemetry, run: () => void): undefined {
  if (builder === undefined) run()
}

function nested(
  scopes: readonly ScopeTelemetry[],
  start: (scope: ScopeTelemetry, run: () => void) => BuilderTelemetry | undefined,
  run: () => void,
): BuilderTelemetry {
  const told: BuilderTelemetry[] = []
  const from = (index: number): void => {
    const scope = scopes[index]
    if (scope === undefined) return run()
    const own = start(scope, () => from(index + 1))
    if (own !== undefined) told.push(own)
  }
  from(0)
  return { ended: (ended) => told.forEach((each) => each.ended?.(ended)) }
}
