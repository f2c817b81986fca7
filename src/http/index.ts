/**
 * Instances behind HTTP: a function from a `Request` to a `Response`, and a server around it.
 *
 * @module polaris-workflow/http
 */
export { tokenAuthorize } from './auth.ts'
export type { Authorize, Grant, HttpAction, TokenAuthorize, TokenOptions, Wish } from './auth.ts'
export type { RateOptions, RequestContext } from './guards.ts'
export { httpHandler } from './handler.ts'
export type { HttpHandler } from './handler.ts'
export type { HttpOptions } from './options.ts'
export { PROBLEMS } from './problems.ts'
export type { HttpCode, ProblemCode } from './problems.ts'
export { expressMiddleware, nodeListener } from './node.ts'
export type { NodeListener, NodeOptions } from './node.ts'
export { serve } from './serve.ts'
export type { Served, ServeOptions } from './serve.ts'
