using Bulkhead.Host;
using Bulkhead.Host.Files;

namespace Bulkhead.Cli.Output;

/// <summary>A file that an option names for what is to be written.</summary>
internal static class OutputFile
{
    /// <summary>Creates it, or empties the one there is.</summary>
    /// <param name="option">The option.</param>
    /// <param name="path">What it names.</param>
    /// <param name="bufferBytes">How much is gathered before it is written; 1 for nothing.</param>
    /// <param name="kind">What stands before the path, where the option takes other things as well.</param>
    internal static FileStream Create(string option, string path, int bufferBytes = 4096, string kind = "")
    {
        try
        {
            return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{option} {kind}{path}: {PathFault.OfNew(path) ?? e.Message.TrimEnd('.')}; give the path of a file that can be written.", 2);
        }
    }

    /// <summary>Writes it and closes it. What goes wrong is said, and changes no exit code: what the file tells of is over.</summary>
    internal static bool Fill(string option, FileStream file, Action<Stream> write)
    {
        try
        {
            using (file)
            {
                write(file);
            }

            return true;
        }
        catch (IOException e)
        {
            Complaint.Write(Console.Error, $"{option} {file.Name}: writing broke off: {e.Message}");
            return false;
        }
    }
}
