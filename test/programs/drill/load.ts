/** Constant load on the fleet while it is being replaced. */
import type { Answer, Fleet, Request } from './fleet.ts'

export interface Load {
  readonly done: number
  /** Nothing is left but what no process serves at present. */
  readonly isDry: boolean
  readonly problems: readonly string[]
  readonly answers: ReadonlyMap<string, Answer>
  /** Requests that no process served when they came first. */
  readonly putOff: number
  readonly finished: Promise<void>
}

/**
 * @param pace at most so many at once, and so many a second
 * @param answered told of each request when it is answered
 */
export function startLoad(
  fleet: Fleet,
  requests: readonly Request[],
  pace: { readonly concurrency: number; readonly rate: number },
  answered: (request: Request, answer: Answer) => void,
): Load {
  const queue = [...requests]
  const waiting: Request[] = []
  const problems: string[] = []
  const answers = new Map<string, Answer>()
  const puts = new Set<string>()
  const busy = new Set<string>()
  let open = 0
  /** Have not been sent yet. */
  let fresh = requests.length
  const sent = new Set<string>()

  let due = performance.now()
  const turn = async (): Promise<void> => {
    const now = performance.now()
    due = Math.max(due + 1_000 / pace.rate, now - 1_000)
    if (due > now) await new Promise((resolve) => setTimeout(resolve, due - now))
  }
  const take = (): Request | undefined => {
    // One after the other of an instance, so that what it is to come to is known.
    const at = queue.findIndex(({ id }) => !busy.has(id))
    return at < 0 ? undefined : queue.splice(at, 1)[0]
  }
  const work = async (): Promise<void> => {
    while (queue.length > 0 || waiting.length > 0 || open > 0) {
      const request = take()
      if (request === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        const again = queue.length === 0 ? waiting.shift() : undefined
        if (again !== undefined) queue.push(again)
        continue
      }
      busy.add(request.id)
      if (!sent.has(request.key)) fresh--
      sent.add(request.key)
      open++
      await turn()
      try {
        const answer = await fleet.ask(request)
        if (answer === undefined) {
          puts.add(request.key)
          waiting.push(request)
        } else {
          answers.set(request.key, answer)
          answered(request, answer)
        }
      } catch (error) {
        problems.push(String(error))
      } finally {
        open--
        busy.delete(request.id)
      }
    }
  }
  const finished = Promise.all(Array.from({ length: pace.concurrency }, work)).then(() => undefined)
  return {
    problems,
    answers,
    finished,
    get done() {
      return answers.size + problems.length
    },
    get isDry() {
      return fresh === 0
    },
    get putOff() {
      return puts.size
    },
  }
}
