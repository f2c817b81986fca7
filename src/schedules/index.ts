export { schedule } from './schedule.ts'
export type { ScheduleDefinition } from './schedule.ts'
