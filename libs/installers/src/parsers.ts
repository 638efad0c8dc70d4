/** Parsers that a rack without profiles never needs: 12 MB that are loaded when the first template comes. */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

export const liquid = (): typeof import('liquidjs') => load('liquidjs') as typeof import('liquidjs');
export const xml = (): typeof import('@xmldom/xmldom') => load('@xmldom/xmldom') as typeof import('@xmldom/xmldom');
export const yaml = (): typeof import('yaml') => load('yaml') as typeof import('yaml');
