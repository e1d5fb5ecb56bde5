using System.Globalization;
using System.Text;

namespace Bulkhead.Images.Cpio;

/// <summary>Writes a cpio archive in the "new ASCII" format, as the kernel unpacks it into its root file system.</summary>
/// <remarks>
/// Owner and time are zero, so that the same files give the same bytes. A directory must be added before what it holds.
/// <para><i>Source</i>: Linux, Documentation/driver-api/early-userspace/buffer-format.rst, "initramfs buffer format".</para>
/// </remarks>
internal sealed class CpioWriter
{
    private const uint TypeDirectory = 0x4000;
    private const uint TypeCharacterDevice = 0x2000;
    private const uint TypeRegular = 0x8000;
    private const uint TypeSymbolicLink = 0xa000;

    // The kernel rounds nothing up; 512 is what other tools write and expect at the end.
    private const int BlockSize = 512;

    private readonly Stream _output;
    private long _written;
    private uint _nextInode = 1;

    internal CpioWriter(Stream output) => _output = output;

    internal void AddDirectory(string name, uint permissions = 0x1ed) => Add(name, TypeDirectory | permissions, 2, 0, 0, []);

    internal void AddFile(string name, ReadOnlySpan<byte> content, uint permissions) => Add(name, TypeRegular | permissions, 1, 0, 0, content);

    internal void AddSymbolicLink(string name, string target) => Add(name, TypeSymbolicLink | 0x1ff, 1, 0, 0, Encoding.UTF8.GetBytes(target));

    internal void AddCharacterDevice(string name, uint major, uint minor, uint permissions) =>
        Add(name, TypeCharacterDevice | permissions, 1, major, minor, []);

    /// <summary>Writes the trailer; nothing may be added after it.</summary>
    internal void Finish()
    {
        _nextInode = 0;
        Add("TRAILER!!!", 0, 1, 0, 0, []);
        Pad(BlockSize);
        _output.Flush();
    }

    private void Add(string name, uint mode, uint links, uint major, uint minor, ReadOnlySpan<byte> content)
    {
        byte[] nameBytes = Encoding.UTF8.GetBytes(name);
        var header = new StringBuilder("070701", 110);
        Field(header, _nextInode++);
        Field(header, mode);
        Field(header, 0);
        Field(header, 0);
        Field(header, links);
        Field(header, 0);
        Field(header, checked((uint)content.Length));
        Field(header, 0);
        Field(header, 0);
        Field(header, major);
        Field(header, minor);
        Field(header, (uint)nameBytes.Length + 1);
        Field(header, 0);
        Write(Encoding.ASCII.GetBytes(header.ToString()));
        Write(nameBytes);
        Write([0]);
        Pad(4);
        Write(content);
        Pad(4);
    }

    private static void Field(StringBuilder header, uint value) => header.Append(value.ToString("x8", CultureInfo.InvariantCulture));

    private void Pad(int alignment)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[BlockSize];
        int over = (int)(_written % alignment);
        if (over != 0)
        {
            Write(zeros[..(alignment - over)]);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _output.Write(bytes);
        _written += bytes.Length;
    }
}
