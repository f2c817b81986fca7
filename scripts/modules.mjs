// Reads what a source file imports and exports, for the layer test and the unused-code check.
import ts from 'typescript'

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {number} line
 * @property {boolean} typeOnly erased by the compiler: `import type`, and types named as `import('…').T`. An
 *   `import { type T }` is not: it leaves `import {}` behind, which runs.
 * @property {boolean} dynamic `import('…')` of a value
 * @property {boolean} reexport `export … from '…'`
 * @property {string[] | '*'} names what it takes, by the exporter's names
 */
/**
 * @typedef {object} Export
 * @property {string} name
 * @property {number} line
 * @property {boolean} type an interface or a type alias
 * @property {boolean} usedInFile
 * @property {{ specifier: string, name: string } | undefined} from where a re-export has it from
 */
/**
 * @typedef {object} Module
 * @property {Import[]} imports
 * @property {Export[]} exports
 * @property {string[]} stars specifiers of `export * from`
 * @property {string[]} strings every other string in the file: paths of programs to start are among them
 */

/**
 * @param {string} path
 * @param {string} text
 * @returns {Module}
 */
export function readModule(path, text) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  /** @type {Module} */
  const module = { imports: [], exports: [], stars: [], strings: [] }
  /** @type {Map<string, number>} */
  const mentions = new Map()
  const lineOf = (/** @type {ts.Node} */ node) => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1

  visit(file)
  // Types in JSDoc are comments to the parser.
  if (path.endsWith('js')) {
    for (const [, specifier = ''] of text.matchAll(/\bimport\('([\w@./-]+)'\)\.|@import .* from '([\w@./-]+)'/g)) {
      if (specifier) add(file, specifier, '*', { typeOnly: true })
    }
  }
  for (const entry of module.exports) entry.usedInFile = (mentions.get(entry.name) ?? 0) > 1
  return module

  /** @param {ts.Node} node */
  function visit(node) {
    if (ts.isImportDeclaration(node)) return readImport(node)
    if (ts.isExportDeclaration(node)) return readExport(node)
    if (ts.isIdentifier(node)) mentions.set(node.text, (mentions.get(node.text) ?? 0) + 1)
    else if (ts.isStringLiteralLike(node) || isTemplatePart(node)) module.strings.push(node.text)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument
      const name = node.qualifier?.getText(file).split('.')[0]
      if (ts.isStringLiteral(literal)) return add(node, literal.text, name ? [name] : '*', { typeOnly: true })
    } else if (ts.isCallExpression(node) && isImportCall(node)) {
      const [specifier] = node.arguments
      if (specifier && ts.isStringLiteralLike(specifier)) return add(node, specifier.text, '*', { dynamic: true })
    } else if (ts.isExportAssignment(node)) addExport(node, 'default')
    else if (ts.canHaveModifiers(node) && node.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)) {
      readDeclaration(node)
    }
    ts.forEachChild(node, visit)
  }

  /** @param {ts.ImportDeclaration} node */
  function readImport(node) {
    const clause = node.importClause
    /** @type {string[] | '*'} */
    let names = clause?.name ? ['default'] : []
    const bindings = clause?.namedBindings
    if (bindings && ts.isNamespaceImport(bindings)) names = '*'
    else if (bindings) names = [...names, ...bindings.elements.map((e) => (e.propertyName ?? e.name).text)]
    add(node, textOf(node.moduleSpecifier), names, { typeOnly: clause?.isTypeOnly ?? false })
  }

  /** @param {ts.ExportDeclaration} node */
  function readExport(node) {
    const specifier = node.moduleSpecifier && textOf(node.moduleSpecifier)
    const clause = node.exportClause
    if (clause && ts.isNamedExports(clause)) {
      for (const element of clause.elements) {
        const source = (element.propertyName ?? element.name).text
        // Exported by a list at the end of the file: the list is not a use, the declaration above is the other mention.
        addExport(element, element.name.text, { from: specifier ? { specifier, name: source } : undefined })
      }
    }
    if (!specifier) return
    if (!clause) module.stars.push(specifier)
    else if (ts.isNamespaceExport(clause)) addExport(node, clause.name.text)
    const names =
      clause && ts.isNamedExports(clause) ? clause.elements.map((e) => (e.propertyName ?? e.name).text) : '*'
    add(node, specifier, names, { typeOnly: node.isTypeOnly, reexport: true })
  }

  /** @param {ts.Node} node */
  function readDeclaration(node) {
    if (ts.isVariableStatement(node)) {
      for (const { name } of node.declarationList.declarations) {
        if (ts.isIdentifier(name)) addExport(node, name.text)
        else for (const element of name.elements) if (!ts.isOmittedExpression(element)) addBinding(element)
      }
      return
    }
    const byDefault = ts.canHaveModifiers(node) && node.modifiers?.some((m) => m.kind === ts.SyntaxKind.DefaultKeyword)
    const name = byDefault ? 'default' : /** @type {ts.FunctionDeclaration} */ (node).name?.text
    if (name) addExport(node, name, { type: ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) })
  }

  /** @param {ts.BindingElement} element */
  function addBinding(element) {
    if (ts.isIdentifier(element.name)) addExport(element, element.name.text)
  }

  /**
   * @param {ts.Node} node
   * @param {string} specifier
   * @param {string[] | '*'} names
   * @param {{ typeOnly?: boolean, dynamic?: boolean, reexport?: boolean }} how
   */
  function add(node, specifier, names, { typeOnly = false, dynamic = false, reexport = false }) {
    module.imports.push({ specifier, line: lineOf(node), names, typeOnly, dynamic, reexport })
  }

  /**
   * @param {ts.Node} node
   * @param {string} name
   * @param {{ type?: boolean, from?: Export['from'] }} [how]
   */
  function addExport(node, name, { type = false, from } = {}) {
    module.exports.push({ name, line: lineOf(node), type, usedInFile: false, from })
  }
}

/**
 * @param {ts.Node} node
 * @returns {node is ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail}
 */
function isTemplatePart(node) {
  return ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)
}

/** @param {ts.CallExpression} node */
function isImportCall(node) {
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) return true
  return ts.isIdentifier(node.expression) && node.expression.text === 'require'
}

/** @param {ts.Node} node */
function textOf(node) {
  return ts.isStringLiteral(node) ? node.text : ''
}
