/** What the command line uses of jiti: its own types bring those of Babel and of its build with them. */
declare module 'jiti' {
  export function createJiti(
    base: string,
    options: { readonly virtualModules: Readonly<Record<string, unknown>> },
  ): {
    import<T>(file: string): Promise<T>
    /** By the paths of files that were loaded. */
    readonly cache: Readonly<Record<string, unknown>>
  }
}
