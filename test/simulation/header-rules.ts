/** What has to hold of every header and its rows, whatever the workflow is. */
import type { Header, Row } from 'polaris-workflow'
import type { Look, Say } from './subject.ts'
import { rowsOf } from './world.ts'

export function unfinished({ id, pass, holder, mailAppended, mailHandled }: Header): string[] {
  if (pass === 0 && holder === null && mailAppended === mailHandled) return []
  return [`${id}: pass ${pass}, ${holder === null ? 'free' : 'held'}, mail ${mailHandled} of ${mailAppended} handled`]
}

/** Rows are only ever added, and the header counts them: nobody reads half a commit. */
export function checkRows({ now, subject }: Look, rows: readonly Row[], say: Say): void {
  if (rows.length !== now.rows) say(`${rows.length} rows, but the header counts ${now.rows}`)
  rows.forEach(({ seq }, at) => seq === at + 1 || say(`row ${seq} at place ${at + 1}`))
  if (rows.length < subject.rows.length) say('rows are gone')
}

export function checkHeader({ before, now, facts }: Look, say: Say): void {
  // G7: what is under way or waits is found by somebody some day.
  const needsCare = now.holder !== null || now.pass > 0 || now.mailAppended > now.mailHandled
  if (needsCare && now.wakeAt === null) say('needs care, but never wakes')
  if (now.mailHandled > now.scope || now.scope > now.mailAppended) {
    say(`mail ${now.mailHandled} of ${now.mailAppended} handled in scope ${now.scope}`)
  }
  if (before === undefined) return
  if (now.incarnation !== before.incarnation) say('was made anew')
  const isGoingOn = before.status === 'retrying' && now.scope > before.scope
  if (before.cancelling > 0 && now.mailAppended > before.mailAppended && !isGoingOn)
    say('took mail after it was to be cancelled')
  if (before.cancelling > 0 && now.cancelling !== before.cancelling) say('forgot that it is to be cancelled')
  if (before.status === 'cancelled' && now.revision !== before.revision) say('was changed after it was cancelled')
  const restarted = rowsOf(facts.store, now.id).some(({ outcome, seq }) => outcome === 'restart' && seq > before.rows)
  const settled = restarted ? [] : (['settled'] as const)
  for (const counter of ['fence', 'scope', 'mailAppended', 'mailHandled', 'rows', ...settled] as const) {
    if (now[counter] < before[counter]) say(`${counter} went back from ${before[counter]} to ${now[counter]}`)
  }
  if (now.scope > before.scope + 1) say(`scope ${before.scope} was followed by ${now.scope}`)
  if (now.scope > before.scope && before.pass > 0) say(`scope ${before.scope} was never ended`)
}

export function checkClaim({ facts, now, actor, holders }: Look, before: Header, say: Say): void {
  if (now.fence !== before.fence + 1 || now.claims !== before.claims + 1) say('a claim did more than a claim')
  if (before.wakeAt === null || before.wakeAt > facts.now()) say('was claimed before it was due')
  const owner = before.holder === null ? undefined : holders.get(before.holder)
  // Who has committed nothing since its claim may wait for its turn behind a scope that has no lease and outlasts this one.
  const working = before.claims === 0 || before.pass > 0
  if (facts.calm && working && owner !== undefined && owner !== actor) say(`was taken from ${owner.name}, who is well`)
}

/** A process that lost its lease commits nothing. */
export function checkRight({ now, actor, holders }: Look, before: Header, say: Say): void {
  const owner = before.holder === null ? undefined : holders.get(before.holder)
  if (owner !== undefined && owner !== actor) say(`${actor.name} committed what ${owner.name} holds`)
  if (now.fence !== before.fence && now.fence !== before.fence + 1) say(`fence ${before.fence} became ${now.fence}`)
  if (before.pass > 0 && now.fence !== before.fence && now.holder === null && now.pass === 0) return
}
