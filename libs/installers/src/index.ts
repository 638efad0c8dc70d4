/** Installer profiles rendered: what api previews and bootfiles serves are the same text. */
export { renderTemplate, formatProblem, type Problem, type Rendered } from './template.ts';
export { layersFor, cut, layeredArguments, mergedValues, mergedSnippets, type LayerOf, type Source } from './layers.ts';
export { kinds, factsOf, phoneHomeCommand, type Kind } from './kinds.ts';
export { imageFile, type ImageFile } from './image-file.ts';
export { renderConfig, kernelLine, bootFileUrl, imagesOf, initrdUrl, maxCommandLineBytes, type Composed, type ComposeFrom, type ImageUrls, type KernelLine } from './compose.ts';
export { redacted } from './stand-ins.ts';
export { checkProfile, redactedSecrets, type ProfileProblem } from './check-profile.ts';
export { splitArguments, whyRefused, type Words } from './words.ts';
