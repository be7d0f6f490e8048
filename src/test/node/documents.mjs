import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { script } from './common.mjs';

// What public validators find wrong with the descriptions of the API, and of its streams.
await script('documents.mjs OPENAPI ASYNCAPI', 2, {}, async ([openapi, asyncapi]) => {
  const validator = new Validator();
  const calls = await validator.validate(JSON.parse(await readFile(openapi, 'utf8')));
  const { diagnostics } = await new Parser().parse(await readFile(asyncapi, 'utf8'));
  return {
    version: validator.version,
    openapi: calls.valid ? [] : [calls.errors].flat().map((each) => JSON.stringify(each)),
    // The most severe is 0, an error; 1 warns.
    asyncapi: diagnostics.filter(({ severity }) => severity <= 1).map(({ message, path }) => `${path.join('/')}: ${message}`),
  };
});
