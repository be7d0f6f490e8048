import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { script } from './common.mjs';

await script('kubernetes.mjs FILE...', 1, {}, async (files) => {
  const faults = {};
  for (const file of files) faults[basename(file)] = await check(JSON.parse(await readFile(file, 'utf8')));
  return faults;
});

/** What Kubernetes' schema of its kind finds wrong with a document: missing fields, wrong types, and fields that there are not. */
async function check(document) {
  const { [document.kind]: Model } = await import(`kubernetes-models/${document.apiVersion}/${document.kind}`);
  const read = new Set();
  const faults = [];
  try {
    Model.prototype.validate.call(watched(document, '', read));
  } catch (error) {
    if (!error.errors) throw error;
    faults.push(...error.errors.map(({ instancePath, message }) => `${instancePath} ${message}`));
  }
  return [...faults, ...unread(document, '', read)];
}

/** Kubernetes' schemas do not forbid fields, but a validator that was made of one reads each field that it knows. */
function watched(value, path, read) {
  if (value === null || typeof value !== 'object') return value;
  return new Proxy(value, {
    get(target, key) {
      const own = typeof key === 'string' && Object.hasOwn(target, key);
      if (own) read.add(`${path}/${key}`);
      return own ? watched(target[key], `${path}/${key}`, read) : target[key];
    },
  });
}

function unread(value, path, read) {
  if (value === null || typeof value !== 'object') return [];
  return Object.keys(value).flatMap((key) =>
    read.has(`${path}/${key}`) ? unread(value[key], `${path}/${key}`, read) : [`${path}/${key} is no field of the schema`]);
}
