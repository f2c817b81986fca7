import type { InstanceStatus } from '../../stores/contract.ts'

/** Which instances to list. Times are milliseconds since the epoch. */
export interface InstanceQuery {
  readonly workflow?: string
  readonly version?: number
  readonly status?: InstanceStatus | readonly InstanceStatus[]
  /** Created at this time or later. */
  readonly createdFrom?: number
  /** Created before this time. */
  readonly createdBefore?: number
  /** Which come first, by creation. Default: the oldest. */
  readonly order?: 'oldest' | 'newest'
  /** 1 to 1000; default 100. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly cursor?: string
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
