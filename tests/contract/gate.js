// SPDX-License-Identifier: PostgreSQL
// Compiles every schema of the strict description as Prism does. Prism takes a schema that does not compile for one that
// everything satisfies, without a word, so a contract test over such a description proves nothing: it stops here.
// Usage: NODE_PATH=.../node_modules node gate.js STRICT
'use strict';

const { createRequire } = require('node:module');
const { getHttpOperationsFromSpec } = require('@stoplight/prism-cli/dist/operations');
// ajv as Prism's own validator finds it: another version may be lying around.
const fromPrism = createRequire(require.resolve('@stoplight/prism-http'));
const Ajv = fromPrism('ajv').default;
const addFormats = fromPrism('ajv-formats').default;

function schemasOf(operation) {
	const bodies = (operation.request && operation.request.body && operation.request.body.contents) || [];
	const answers = operation.responses.flatMap((response) => (response.contents || []).map((content) => [response.code, content]));
	return [
		...bodies.map((content) => ['request', content.schema]),
		...answers.map(([code, content]) => [`answer ${code}`, content.schema]),
	].filter(([, schema]) => schema !== undefined);
}

async function main(path) {
	let nCompiled = 0;
	let nBodies = 0;
	let nFailed = 0;
	for (const operation of await getHttpOperationsFromSpec(path)) {
		for (const [what, schema] of schemasOf(operation)) {
			const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, allowMatchingProperties: true, strict: false, logger: false });
			addFormats(ajv);
			try {
				ajv.compile({ ...schema, __bundled__: operation.__bundled__ });
				nCompiled += 1;
				nBodies += what === 'request' ? 1 : 0;
			} catch (error) {
				nFailed += 1;
				console.error(`${operation.method.toUpperCase()} ${operation.path}, ${what}: ${error.message}`);
			}
		}
	}
	console.error(`${nCompiled} schemas compile, ${nBodies} of them for requests; ${nFailed} do not`);
	process.exit(nFailed === 0 && nBodies > 0 ? 0 : 1);
}

main(process.argv[2]);
