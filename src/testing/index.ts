export { storeConformance } from './conformance.ts'
export type { ConformanceCase, ConformanceOptions, MakeStore, Medium } from './conformance.ts'
export { testBuilder } from './test-builder.ts'
export type { Tested, TestOptions } from './test-builder.ts'
