/** Looks on while an instance moves. */
import type { PlanJson } from '../../index.ts'
import { getJson, pathOf } from '../api/api.ts'
import type { Api } from '../api/api.ts'
import { follow } from '../api/events.ts'
import { planOf } from '../api/plans.ts'
import type { Entry, Explanation, Outcome } from '../api/views.ts'
import { durationOf } from '../draw/states.ts'
import { asJsonLine } from '../io.ts'
import type { Io } from '../io.ts'
import { entryText } from '../show/entries.ts'
import { standsLine } from '../show/outcome.ts'
import { openScreen } from '../term/screen.ts'
import { line, paint, span } from '../term/text.ts'
import { clockText } from '../term/time.ts'
import { frameOf } from './frame.ts'
import type { Scene } from './frame.ts'
import { newMemory } from './memory.ts'
import type { Memory } from './memory.ts'

export interface WatchOptions {
  readonly json?: true | undefined
  /** Goes on when the instance has come to its end, since it may be opened again. */
  readonly stay?: true | undefined
  /** Ends it once it has seen what came of this. */
  readonly until?: Promise<Outcome>
}

/** An instance of such a status does nothing any more, unless somebody asks for it. */
const ENDED: ReadonlySet<string> = new Set(['completed', 'cancelled'])
const FRAME_MS = 120

/** Live where there is a terminal, else a line for each thing that happens. Answers the status it had last. */
export async function watchInstance(
  api: Api,
  id: string,
  io: Io,
  options: WatchOptions = {},
): Promise<string | undefined> {
  const memory = newMemory()
  const stop = new AbortController()
  const { signal } = stop
  // Not AbortSignal.any, which the first releases of Node 20 lack.
  if (io.signal.aborted) stop.abort()
  else io.signal.addEventListener('abort', () => stop.abort(), { once: true })
  let wanted = Infinity
  const seen = ({ summary }: Memory): boolean => (summary?.scopes ?? -1) >= wanted && summary?.status !== 'running'
  options.until?.then(
    ({ scope }) => {
      wanted = scope
      if (seen(memory)) stop.abort()
    },
    () => stop.abort(),
  )
  const view = options.json
    ? jsonView(io)
    : io.terminal === undefined
      ? plainView(io)
      : liveView(api, id, io, io.terminal)
  try {
    for await (const change of follow(api, id, { signal, onPause: view.pause })) {
      memory.take(change)
      await view.show(memory, change.entries)
      if (seen(memory) || (!options.stay && ENDED.has(change.instance.status))) break
    }
  } finally {
    stop.abort()
    await view.end(memory)
  }
  return memory.summary?.status
}

interface View {
  show(memory: Memory, entries: readonly Entry[]): Promise<void>
  readonly pause: (why: 'unreachable' | 'absent' | undefined) => void
  end(memory: Memory): Promise<void>
}

/** A line of JSON for each change. */
function jsonView({ out }: Io): View {
  return {
    show: async ({ summary }, entries) => out(asJsonLine({ instance: summary, entries })),
    pause: () => undefined,
    end: async () => undefined,
  }
}

/** For files and pipes: a line for each thing that happens, and for each change of status. */
function plainView({ out, err, colors }: Io): View {
  let status: string | undefined
  let paused: string | undefined
  return {
    async show({ summary }, entries) {
      for (const entry of entries) {
        const { text, style } = entryText(entry)
        const took = entry.builder === undefined ? '' : `  ${durationOf(entry)}`
        out(`${paint(line(clockText(entry.endedAt), '  ', span(text, style), span(took, 'dim')), colors)}\n`)
      }
      if (summary === undefined || summary.status === status) return
      status = summary.status
      out(`${paint(line(clockText(summary.updatedAt), '  ', ...standsLine({ ...summary, waitingFor: [] })), colors)}\n`)
    },
    pause(why) {
      if (why !== paused && why !== undefined) err(`${NOTICES[why]}\n`)
      paused = why
    },
    end: async () => undefined,
  }
}

const NOTICES = {
  unreachable: 'The service is away; this waits until it is back.',
  absent: 'There is no such instance yet; this waits until it begins. polaris list shows those that exist.',
} as const

function liveView(api: Api, id: string, io: Io, terminal: NonNullable<Io['terminal']>): View {
  const screen = openScreen(io, terminal)
  let scene: Scene | undefined
  let notice: string | undefined
  let plan: PlanJson | undefined
  const draw = (): void => {
    const size = { columns: terminal.columns(), rows: terminal.rows() }
    const said = notice === undefined ? {} : { notice }
    if (scene !== undefined) screen.draw(frameOf({ ...scene, ...said }, size, Date.now()))
    else screen.draw([line(span(notice ?? `${id}: looking …`, 'dim'))])
  }
  const ticking = setInterval(draw, FRAME_MS)
  const look = async (memory: Memory): Promise<void> => {
    const { summary } = memory
    if (summary === undefined) return
    const explanation = await getJson<Explanation>(api, pathOf(id, '/explain'))
    const same = plan?.workflow === explanation.workflow && plan.version === explanation.version
    plan = same && plan !== undefined ? plan : await planOf(api, explanation.workflow, explanation.version)
    scene = { plan, explanation, summary, newest: memory.newest(), tail: memory.tail, where: whereText(api) }
    draw()
  }
  return {
    show: (memory) => look(memory).catch((error: unknown) => ignoreLost(error)),
    pause(why) {
      notice = why === undefined ? undefined : NOTICES[why]
      draw()
    },
    async end(memory) {
      clearInterval(ticking)
      // What it shows last should be how things stand, not how they stood at the last change that was told.
      if (!io.signal.aborted) await look(memory).catch(ignoreLost)
      screen.close()
    },
  }
}

function whereText({ where }: Api): string {
  return `${where} · Ctrl-C ends the look, not the instance`
}

/** The stream tells that the service is away, and goes on when it is back. */
function ignoreLost(_: unknown): void {
  // Nothing to add.
}
