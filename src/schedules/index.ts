/**
 * Instances that begin by the calendar.
 *
 * @module polaris-workflow/schedules
 */
export { schedule } from './schedule.ts'
export type { ScheduleDefinition } from './schedule.ts'
