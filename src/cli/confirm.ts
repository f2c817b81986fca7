import type { Io } from './io.ts'
import { Trouble } from './trouble.ts'

/**
 * Asks before something that cannot be taken back.
 *
 * @param yes said beforehand
 * @throws {@link Trouble} if the person does not want it, or nobody can be asked
 */
export async function confirm({ ask }: Io, question: string, yes: true | undefined): Promise<void> {
  if (yes) return
  if (ask === undefined) throw new Trouble(`${question} Nobody can be asked here: say --yes if it is meant.`)
  const answer = await ask(`${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer.trim())) throw new Trouble('Nothing was done.')
}
