using System.Buffers.Binary;
using System.Text;
using Bulkhead.Translator.Tests.Verify;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.Cache;

public sealed class JitDumpTests
{
    [Fact]
    public void Run_WithADump_WritesEveryBlockAsPerfReadsIt()
    {
        string directory = Directory.CreateTempSubdirectory("jit-dump").FullName;
        try
        {
            using (var guest = new VerifiedGuest($"long-blocks=off,jit-dump={directory}/new"))
            {
                guest.Write(VerifiedGuest.Code, "EB00F4"); // jmp to the next; hlt
                Assert.Equal(StopReason.Halt, guest.Run());
            }

            byte[] file = File.ReadAllBytes(Path.Combine(directory, "new", $"jit-{Environment.ProcessId}.dump"));
            Assert.Equal((0x4A69_5444u, 1u, 40u, 62u), (Word(0), Word(4), Word(8), Word(12)));
            List<string> names = [];
            for (int at = 40; at < file.Length; at += (int)Word(at + 4))
            {
                Assert.Equal((0u, (ulong)names.Count), (Word(at), Long(at + 48)));
                Assert.Equal(Long(at + 24), Long(at + 32));
                string name = Encoding.ASCII.GetString(file[(at + 56)..]).Split('\0')[0];
                Assert.Equal(Word(at + 4), 56 + (ulong)name.Length + 1 + Long(at + 40));
                names.Add(name[..name.LastIndexOf(':')]);
            }

            Assert.Equal(["guest:10000", "guest:10002"], names);

            uint Word(int at) => BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at));
            ulong Long(int at) => BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
