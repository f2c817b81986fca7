/** What happened, in words. Pure. */
import type { Entry } from '../api/views.ts'
import type { Style } from '../term/text.ts'

/** One entry of a history in a few words, without its value. */
export function entryText(entry: Entry): { readonly text: string; readonly style?: Style } {
  const { outcome, builder = '', data = '', because, awaits, error, attempt, from, move, sameAs } = entry
  const why = because === undefined ? '' : `: ${because}`
  const tries = attempt === undefined ? '' : ` (try ${attempt})`
  switch (outcome) {
    case 'fed':
      return builder === '' ? { text: `fed ${data}`, style: 'cyan' } : { text: `${builder} → ${data}`, style: 'cyan' }
    case 'produced': {
      const same = sameAs === undefined ? '' : ` (the same as in ${sameAs})`
      const instead = entry.fallback === true ? ' by its fallback' : ''
      return { text: `${builder} → ${data}${instead}${same}`, style: 'green' }
    }
    case 'supplied':
      return { text: `${builder} → ${data}, made again for a reader`, style: 'green' }
    case 'nothing':
      return { text: `${builder} gave nothing${why}`, style: 'yellow' }
    case 'waitFor':
      return { text: `${builder} waits for ${awaits ?? 'more'}${why}`, style: 'yellow' }
    case 'failed':
      return { text: `${builder} failed${tries}: ${error?.message ?? ''}`, style: 'red' }
    case 'rerun':
      return { text: `${builder} is to run again${why}`, style: 'magenta' }
    case 'restart':
      return { text: `begins again${why}`, style: 'magenta' }
    case 'cancelled':
      return { text: `cancelled${why}`, style: 'magenta' }
    case 'forked':
      return { text: `copied from ${from?.id ?? ''} up to ${from?.seq ?? ''}${why}`, style: 'magenta' }
    case 'migrated':
      return move === undefined
        ? { text: `${data || builder} came along`, style: 'dim' }
        : { text: `moved from version ${move.from.version} to ${move.to.version}`, style: 'magenta' }
    default:
      return { text: `${[outcome, builder || data].join(' ').trim()}${why}`, style: 'dim' }
  }
}
