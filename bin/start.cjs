'use strict'
// A file of its own, because an old Node cannot read `import()`.

void import('../dist/cli/main.js')
