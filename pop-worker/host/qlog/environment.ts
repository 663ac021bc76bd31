import { accessSync, constants, statSync } from 'node:fs';
import { FORMAT_NAMES, type FormatName } from '#protocol/qlog/format/registry.ts';
import { DEFAULT_QLOG_LIMITS, QlogRecorder, type QlogSettings } from './recorder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment asks for makes no sense: one sentence. */
export class QlogEnvironmentError extends Error {
  override readonly name = 'QlogEnvironmentError';
}

/**
 * Where `QLOGDIR` wants connections to be logged (main schema §12.1), in the format that `CBR_QLOG_FORMAT` names.
 *
 * @returns undefined when it is not set or empty
 * @throws QlogEnvironmentError
 */
export const qlogFromEnvironment = (env: Environment = process.env): QlogSettings | undefined => {
  const { QLOGDIR: directory, CBR_QLOG_FORMAT: format = 'sequential' } = env;
  if (!directory) return undefined;
  if (!FORMAT_NAMES.some((name) => name === format)) {
    throw new QlogEnvironmentError(`CBR_QLOG_FORMAT is one of ${FORMAT_NAMES.join(', ')}, not \`${format}\``);
  }
  const mend = 'name a directory that is there and that this user may write to';
  try {
    if (!statSync(directory).isDirectory())
      throw new QlogEnvironmentError(`QLOGDIR, ${directory}, is no directory: ${mend}`);
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof QlogEnvironmentError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new QlogEnvironmentError(`nothing can be written to QLOGDIR, ${directory} (${code}): ${mend}`);
  }
  return { ...DEFAULT_QLOG_LIMITS, directory, format: format as FormatName };
};

let made: QlogRecorder | undefined;

/**
 * The recorder of a small program, which logs all its connections when the environment asks for it and ends the files
 * when the process has nothing left to do.
 *
 * @throws QlogEnvironmentError
 */
export const programRecorder = (): QlogRecorder => {
  if (made !== undefined) return made;
  const recorder = new QlogRecorder((path, error) => {
    process.stderr.write(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`);
  });
  const settings = qlogFromEnvironment();
  if (settings !== undefined) {
    recorder.start(settings);
    process.once('beforeExit', () => void recorder.stop());
  }
  made = recorder;
  return recorder;
};
