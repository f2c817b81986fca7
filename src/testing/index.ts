/**
 * What workflows and stores are tested with.
 *
 * @module polaris-workflow/testing
 */
export { storeConformance } from './conformance.ts'
export type { ConformanceCase, ConformanceOptions, MakeStore, Medium } from './conformance.ts'
export { simulatedClock } from './simulated-clock.ts'
export type { SimulatedClock, SimulatedClockOptions } from './simulated-clock.ts'
export { testBuilder } from './test-builder.ts'
export type { Tested, TestOptions } from './test-builder.ts'
