import { InvalidArgumentError } from 'commander'

/** @throws `InvalidArgumentError` */
export function wholeNumber(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new InvalidArgumentError('It must be a whole number from 1.')
}
