/** What the tests use beyond the part of the API that the runtime declares. */
declare namespace WebAssembly.Module {
  function imports(module: Module): { readonly module: string; readonly name: string }[];
  function exports(module: Module): { readonly name: string }[];
}
