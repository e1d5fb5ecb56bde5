using Bulkhead.Host;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>A file that takes the guest's output, or nothing at all; there is no input.</summary>
internal sealed class FileSerial : ISerialEnd
{
    private readonly Stream _stream;
    private readonly GatheredOutput _output;

    private FileSerial(Stream stream)
    {
        _stream = stream;
        _output = new GatheredOutput(stream);
    }

    /// <summary>Nothing: output vanishes.</summary>
    internal static FileSerial None() => new(Stream.Null);

    /// <summary>Creates the file, or empties it.</summary>
    internal static FileSerial Create(string path)
    {
        try
        {
            // Without a buffer, so that whoever follows the file sees every byte.
            return new FileSerial(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"--serial file:{path}: {e.Message} Give the path of a file that can be written.", 2);
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data) => _output.Write(data);

    /// <inheritdoc/>
    public void Attach(Domain domain)
    {
    }

    /// <inheritdoc/>
    public void Close() => _output.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _stream.Dispose();
    }
}
