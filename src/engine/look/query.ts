import type { ListQuery } from '../../stores/contract.ts'

/** Which instances to list. Times are milliseconds since the epoch. */
export interface InstanceQuery extends Omit<ListQuery, 'limit'> {
  /** 1 to 1000; default 100. */
  readonly limit?: number
}

export const LISTED_BY = [
  'workflow',
  'version',
  'status',
  'createdFrom',
  'createdBefore',
  'order',
  'limit',
  'cursor',
] as const
