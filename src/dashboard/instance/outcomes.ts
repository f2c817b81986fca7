import type { Entry } from '../api/wire.ts'
import type { Tone } from '../ui/status.tsx'

/** What happened, in words. */
export function outcomeText({ outcome, builder, attempt, awaits, sameAs, fallback }: Entry): string {
  switch (outcome) {
    case 'fed':
      return 'fed'
    case 'produced':
      if (fallback) return 'failed; its fallback stood in'
      return sameAs === undefined ? 'produced' : `the same as #${sameAs}`
    case 'supplied':
      return 'made again for a reader'
    case 'nothing':
      return 'gave nothing'
    case 'waitFor':
      return awaits === undefined ? 'waits' : `waits for ${awaits}`
    case 'failed':
      return attempt === undefined ? 'failed' : `failed, try ${attempt}`
    case 'compensated':
      return builder === undefined ? 'all is undone' : 'undone'
    case 'compensating':
      return 'being undone'
    case 'call':
      return 'called'
    case 'restart':
      return 'restarted'
    case 'rerun':
      return 'asked to run again'
    default:
      return outcome
  }
}

const TONES: Readonly<Partial<Record<Entry['outcome'], Tone>>> = {
  fed: 'run',
  produced: 'good',
  supplied: 'good',
  nothing: 'off',
  waitFor: 'wait',
  failed: 'bad',
  cancelled: 'off',
}

export function outcomeTone({ outcome }: Entry): Tone {
  return TONES[outcome] ?? 'idle'
}
