import { toJSONSchema, type z } from 'zod';

/** Every setting of a configuration file, those of a section as `section.name`. */
export const settingNames = (schema: z.ZodType): string[] =>
  Object.entries(toJSONSchema(schema, { io: 'input' }).properties ?? {}).flatMap(([name, part]) => {
    const inner = typeof part === 'object' ? part.properties : undefined;
    return inner === undefined ? [name] : Object.keys(inner).map((key) => `${name}.${key}`);
  });
