import type * as api from '@opentelemetry/api'
import { createRequire } from 'node:module'
import { PolarisError } from '../index.ts'

/** The package `@opentelemetry/api`. */
export type Api = typeof api

const PACKAGE = '@opentelemetry/api'

/** @throws `DRIVER_MISSING` */
export function loadApi(require: (name: string) => unknown = createRequire(import.meta.url)): Api {
  try {
    return require(PACKAGE) as Api
  } catch (cause) {
    const message =
      `openTelemetry needs the package ${PACKAGE}, which could not be loaded: run \`npm install ${PACKAGE}\`, ` +
      'or hand it over as openTelemetry({ api }) where there is no require.'
    throw new PolarisError('DRIVER_MISSING', message, { cause })
  }
}
