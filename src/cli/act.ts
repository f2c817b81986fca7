/** What commands that look at one instance, or move it, have in common. */
import type { Command } from 'commander'
import { getJson, pathOf, postJson } from './api/api.ts'
import type { SendOptions } from './api/api.ts'
import { at, withPlace } from './api/place.ts'
import type { Need, PlaceOptions } from './api/place.ts'
import type { Instance, Outcome } from './api/views.ts'
import { asJson } from './io.ts'
import type { Cli } from './io.ts'
import { outcomeLines, standsLine } from './show/outcome.ts'
import { columnsOf } from './term/screen.ts'
import { painted } from './term/text.ts'
import type { Line } from './term/text.ts'

export interface ReasonOptions extends PlaceOptions {
  readonly reason?: string
}

export interface YesOptions extends PlaceOptions {
  readonly yes?: true
}

export function withReason(command: Command): Command {
  return withPlace(command).option('--reason <text>', 'why; the history keeps it')
}

export function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask')
}

/** The members that have a value. */
export function given(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

interface Move {
  readonly id: string
  /** Of the path, behind the id. */
  readonly part: string
  readonly body: object
  /** Default: builders may run. */
  readonly need?: Need
  readonly builder?: string
}

/** Moves an instance, and says how it stands then. */
export async function act(
  cli: Cli,
  options: PlaceOptions,
  { id, part, body, need = 'acts', builder }: Move,
): Promise<void> {
  const answer = await at(cli, options, { need, id, ...(builder !== undefined && { builder }) }, (api) =>
    postJson<Outcome | Instance>(api, pathOf(id, part), body),
  )
  const { io } = cli
  const lines = 'produced' in answer ? outcomeLines(answer, columnsOf(io)) : [standsLine(answer)]
  io.out(options.json ? asJson(answer) : painted(lines, io.colors))
}

interface Question {
  readonly id: string
  /** Of the path, behind the id. */
  readonly part: string
  readonly query?: SendOptions['query']
}

/** Asks about an instance, and shows what is answered. */
export async function look<T extends object>(
  cli: Cli,
  options: PlaceOptions,
  { id, part, query }: Question,
  linesOf: (found: T, width: number) => readonly Line[],
): Promise<void> {
  const found = await at(cli, options, { need: 'looks', id }, (api) => getJson<T>(api, pathOf(id, part), query))
  const { io } = cli
  io.out(options.json ? asJson(found) : painted(linesOf(found, columnsOf(io)), io.colors))
}
