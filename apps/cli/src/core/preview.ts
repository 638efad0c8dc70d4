/** What `ironbus profiles preview` shows. Pure. */
export type Preview = {
  profile: string; machine: string; file: string; text: string | null; problems: string[]; kernel: string | null; initrd: string | null;
  kernelLine: string | null; kernelLineBytes: number; sources: { from: string; words: string[] }[]; installedSystem: string | null; refused: string[];
};

/** Everything but the configuration is a comment, so that the output can be read by the installer’s own tools. */
export function describePreview(preview: Preview): string {
  const { kernelLine, sources, installedSystem, refused } = preview;
  const comments = [
    `${preview.profile} for ${preview.machine}: ${preview.file}`, `kernel: ${preview.kernel ?? 'none'}`, `initrd: ${preview.initrd ?? 'none'}`,
    ...(kernelLine === null ? [] : [`command line (${preview.kernelLineBytes} bytes): ${kernelLine}`]), ...sources.map(({ from, words }) => `  from ${from}: ${words.join(' ')}`),
    ...(installedSystem === null ? [] : [`handed to the installed system: ${installedSystem}`]), ...(refused.length === 0 ? [] : [`left out, no plain words: ${refused.join(' ')}`]),
    ...preview.problems.map((problem) => `problem: ${problem}`),
  ];
  return [...comments.map((line) => `# ${line}`), ...(preview.text === null ? [] : ['', preview.text.trimEnd()])].join('\n');
}
